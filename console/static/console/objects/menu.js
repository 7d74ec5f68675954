// The menu of a row, opened by its button, the right mouse button or the keyboard (Enter, context menu key, arrow down).

const GAP = 4;

export function menuOf(id, fill, act) {
  let opener = null;
  const menu = () => document.getElementById(id);
  const items = () => [...menu().querySelectorAll("[role=menuitem]")].filter((item) => !item.hidden);

  function place(x, y) {
    const box = menu();
    const { width, height } = box.getBoundingClientRect();
    box.style.left = `${Math.max(GAP, Math.min(x, window.innerWidth - width - GAP))}px`;
    box.style.top = `${Math.max(GAP, Math.min(y, window.innerHeight - height - GAP))}px`;
  }

  function open(button, x, y) {
    opener = button;
    fill(menu(), button.dataset);
    menu().showPopover();
    button.setAttribute("aria-expanded", "true");
    place(x, y);
    items()[0]?.focus();
  }

  function close() {
    if (menu()?.matches(":popover-open")) menu().hidePopover();
    opener?.setAttribute("aria-expanded", "false");
  }

  function openBelow(button) {
    const { left, bottom } = button.getBoundingClientRect();
    open(button, left, bottom + GAP);
  }

  const buttonAt = (target) => target.closest?.(`[data-menu="${id}"]`);

  document.addEventListener("click", (event) => {
    const button = buttonAt(event.target);
    if (button) openBelow(button);
    const item = event.target.closest(`#${id} [role=menuitem]`);
    if (item) {
      close();
      opener?.focus();
      act(item, opener.dataset);
    }
  });
  document.addEventListener("contextmenu", (event) => {
    const button = buttonAt(event.target);
    if (!button) return;
    event.preventDefault();
    // The context menu key has no mouse position.
    if (event.button === 2) open(button, event.clientX, event.clientY);
    else openBelow(button);
  });
  document.addEventListener("keydown", (event) => {
    const button = buttonAt(event.target);
    if (button && event.key === "ArrowDown") {
      event.preventDefault();
      openBelow(button);
      return;
    }
    if (!event.target.closest?.(`#${id}`)) return;
    const all = items();
    const at = all.indexOf(document.activeElement);
    const wanted = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[event.key];
    if (wanted !== undefined) {
      event.preventDefault();
      all[(wanted + all.length) % all.length].focus();
    } else if (event.key === "Escape" || event.key === "Tab") {
      event.preventDefault();
      close();
      opener?.focus();
    }
  });
  document.addEventListener("toggle", (event) => {
    if (event.target.id === id && event.newState === "closed") opener?.setAttribute("aria-expanded", "false");
  }, true);
}
