// Fields for moments: typed in the browser's zone, sent in UTC by the hidden field that `data-moment` names.

const fieldOf = (box) => box.form.elements[box.dataset.moment];

function asTyped(moment) {
  const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 16);
}

export function makeMomentFields() {
  for (const box of document.querySelectorAll("[data-moment]")) {
    const known = new Date(fieldOf(box).value);
    box.value = Number.isNaN(known.getTime()) ? "" : asTyped(known);
    // Before the form hears of it.
    box.addEventListener("input", () => {
      const typed = new Date(box.value);
      fieldOf(box).value = Number.isNaN(typed.getTime()) ? "" : typed.toISOString();
    });
  }
}
