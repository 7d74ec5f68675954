// Dialogs of the shell: a button opens its dialog, a click beside it closes it, and what was said can be dismissed.

const dialogOf = (id) => document.getElementById(id);

export function openDialog(id) {
  const dialog = dialogOf(id);
  if (dialog && !dialog.open) dialog.showModal();
}

export function listenToDialogs() {
  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-dialog]");
    if (opener) openDialog(opener.dataset.dialog);
    // The backdrop belongs to the dialog, whose content covers the rest of it.
    if (event.target.matches("dialog.ud-sheet")) event.target.close();
    const said = event.target.closest("[data-dismiss]")?.closest(".ud-message");
    if (said) {
      said.remove();
      document.getElementById("content")?.focus({ preventScroll: true });
    }
  });
}
