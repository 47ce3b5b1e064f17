// The comfort that pages do without when there is no script: keys, the reading
// pane, copying, and the viewer's time zone. It listens on the document, so that
// what htmx brings in needs no wiring.
(() => {
  'use strict';
  document.documentElement.classList.add('js');

  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone || '';
  const cookie = 'zone=' + encodeURIComponent(zone);
  if (!document.cookie.split('; ').includes(cookie)) {
    document.cookie = cookie + '; path=/; max-age=31536000; samesite=lax' + (location.protocol === 'https:' ? '; secure' : '');
  }

  const links = () => [...document.querySelectorAll('.hits .hit-link')];
  const pane = () => document.getElementById('pane');
  const paneIsShown = () => pane() && getComputedStyle(pane()).display !== 'none';

  // current marks the row of a link and shows its message beside the list.
  const current = (link) => {
    document.querySelectorAll('.hits tr[aria-current]').forEach((row) => row.removeAttribute('aria-current'));
    const row = link.closest('tr');
    row.setAttribute('aria-current', 'true');
    row.scrollIntoView({ block: 'nearest' });
    link.focus({ preventScroll: true });
    if (paneIsShown() && window.htmx) {
      htmx.ajax('GET', link.dataset.pane, { target: '#pane', swap: 'innerHTML show:top' });
    }
  };

  const step = (by) => {
    const list = links();
    const at = list.findIndex((link) => link.closest('tr').hasAttribute('aria-current'));
    const next = list[at < 0 ? 0 : Math.min(Math.max(at + by, 0), list.length - 1)];
    if (next) current(next);
  };

  document.addEventListener('click', (event) => {
    const link = event.target.closest('.hit-link');
    if (link && event.detail > 0 && !event.ctrlKey && !event.metaKey && !event.shiftKey && paneIsShown() && window.htmx) {
      event.preventDefault();
      current(link);
    }
    const copy = event.target.closest('[data-copy]');
    if (copy && navigator.clipboard) {
      const label = copy.querySelector('span');
      const text = label.textContent;
      navigator.clipboard.writeText(document.getElementById(copy.dataset.copy).textContent.trim()).then(() => {
        label.textContent = copy.dataset.done;
        setTimeout(() => { label.textContent = text; }, 2000);
      });
    }
  });

  // A sheet that is open stays open when its page is exchanged under it.
  let open = '';
  document.addEventListener('htmx:beforeSwap', () => {
    open = document.querySelector('#app [popover]:popover-open')?.id || '';
  });
  document.addEventListener('htmx:afterSwap', () => {
    if (open) document.getElementById(open)?.showPopover();
    open = '';
  });

  const typing = (target) => target.closest('input, select, textarea, [contenteditable]');

  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (event.key === 'Escape' && typing(event.target)) { event.target.blur(); return; }
    if (typing(event.target) || document.querySelector('.sheet:popover-open')) return;
    const key = document.querySelector('[data-key="' + CSS.escape(event.key) + '"]');
    if (key) { event.preventDefault(); key.click(); return; }
    switch (event.key) {
      case '/': {
        const bar = document.getElementById('q');
        if (bar) { event.preventDefault(); bar.focus(); bar.select(); }
        break;
      }
      case 'j': step(1); break;
      case 'k': step(-1); break;
      case '?': document.getElementById('keys')?.togglePopover(); break;
    }
  });
})();
