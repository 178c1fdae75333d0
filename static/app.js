// What every page gains from a script. Each page works without this file; nothing here talks to the server except dialogs.
'use strict';
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => [...within.querySelectorAll(selector)];
  const keep = (name, value) => {
    const secure = location.protocol === 'https:' ? '; Secure' : '';
    document.cookie = `${name}=${value}; Path=/; Max-Age=31536000; SameSite=Lax${secure}`;
  };

  // --- choices of this browser: theme and single-key shortcuts, the same cookies that the form without a script sets
  const choose = (name, value) => {
    keep(name, value);
    root.dataset[name] = value;
    for (const button of all(`[data-set="${name}"]`)) button.setAttribute('aria-pressed', String(button.value === value));
  };
  const isDark = () => (root.dataset.theme === 'dark') || (root.dataset.theme !== 'light' && matchMedia('(prefers-color-scheme: dark)').matches);
  for (const button of all('[data-theme-toggle]')) button.form.hidden = false;

  // --- menus are <details>; one is open at a time, and a click elsewhere or Escape closes it
  const closeMenus = (except) => {
    for (const menu of all('details.menu[open]')) if (!menu.contains(except)) menu.open = false;
  };

  const onClick = {
    '[data-theme-toggle]': (event) => { event.preventDefault(); choose('theme', isDark() ? 'light' : 'dark'); },
    '[data-set]': (event, button) => { event.preventDefault(); choose(button.dataset.set, button.value); },
    '[data-close-note]': (event, button) => button.closest('.note').remove(),
    '[data-copy]': (event, button) => copy(button),
    '[data-confirm]': (event, trigger) => askFirst(event, trigger),
    'dialog [data-close]': (event, link) => { event.preventDefault(); link.closest('dialog').close(); },
  };
  document.addEventListener('click', (event) => {
    closeMenus(event.target);
    for (const [selector, act] of Object.entries(onClick)) {
      const found = event.target.closest?.(selector);
      if (found) return act(event, found);
    }
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape') return;
    for (const menu of all('details.menu[open]')) { menu.open = false; menu.querySelector('summary').focus(); }
  });

  // --- copying: the button shows itself only where the browser can copy
  const revealCopy = (within) => { if (navigator.clipboard) for (const button of all('[data-copy]', within)) button.hidden = false; };
  const copy = async (button) => {
    await navigator.clipboard.writeText(button.dataset.copy);
    const word = button.querySelector('span'), before = word.textContent;
    word.textContent = button.dataset.copied;
    setTimeout(() => { word.textContent = before; }, 2000);
  };

  // --- asking first: the page that asks is fetched and its .dlg is shown as a dialog; if that fails, we simply go there
  const target = (trigger) => {
    if (trigger.href) return trigger.href;
    const url = new URL(trigger.getAttribute('formaction') || trigger.form.action, location.href);
    for (const [name, value] of new FormData(trigger.form, trigger)) if (name !== 'csrfmiddlewaretoken') url.searchParams.append(name, value);
    return url.href;
  };
  const askFirst = async (event, trigger) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || !window.HTMLDialogElement) return;
    event.preventDefault();
    const url = target(trigger);
    try {
      const answer = await fetch(url, { headers: { 'X-Requested-With': 'dialog' }, signal: AbortSignal.timeout(8000) });
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
      const question = page.querySelector('main .dlg');
      if (!answer.ok || answer.redirected || !question) return location.assign(url);
      showDialog(question, url, trigger);
    } catch { location.assign(url); }
  };
  const showDialog = (question, url, trigger) => {
    const dialog = document.createElement('dialog'), title = question.querySelector('h1, h2');
    question = document.importNode(question, true);
    if (question.matches('form') && !question.getAttribute('action')) question.setAttribute('action', url);
    dialog.append(question);
    if (title) dialog.setAttribute('aria-label', title.textContent.trim());
    dialog.addEventListener('close', () => { dialog.remove(); if (trigger.isConnected) trigger.focus(); });
    dialog.addEventListener('click', (event) => { if (event.target === dialog) dialog.close(); });
    document.body.append(dialog);
    revealCopy(dialog);
    window.htmx?.process?.(dialog);
    dialog.showModal();
    (dialog.querySelector('[autofocus], [data-close]') || dialog).focus();
  };

  // --- time goes on by the server's business clock, which may run fast in a demonstration
  const meta = document.querySelector('meta[name="server-now"]');
  const speed = Number(meta?.dataset.speed || 1), units = (meta?.dataset.units || 's min h d').split(' ');
  const origin = meta ? Date.parse(meta.content) : Date.now(), loaded = performance.timeOrigin + performance.now();
  const now = () => origin + (performance.timeOrigin + performance.now() - loaded) * speed;
  const clock = (seconds) => {
    const minutes = Math.floor(Math.max(0, seconds) / 60);
    return `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
  };
  const age = (seconds) => {
    const s = Math.max(0, Math.floor(seconds));
    const [size, unit] = s >= 86400 ? [86400, 3] : s >= 3600 ? [3600, 2] : s >= 60 ? [60, 1] : [1, 0];
    return `${Math.floor(s / size)} ${units[unit]}`;
  };
  const formats = new Map(); // making one costs more than all the figures of a page
  const written = (decimals) => {
    if (!formats.has(decimals)) formats.set(decimals, new Intl.NumberFormat(root.lang || 'en', { minimumFractionDigits: decimals, maximumFractionDigits: decimals }));
    return formats.get(decimals);
  };
  const estimate = (element) => {
    const { est, rate, at, until, decimals } = element.dataset;
    const end = until ? Math.min(now(), Date.parse(until)) : now();
    const value = Number(est) + Number(rate) * Math.max(0, end - Date.parse(at)) / 1000;
    return written(Number(decimals)).format(value);
  };
  const write = (element, text) => { if (element.textContent !== text) element.textContent = text; };
  const tick = () => {
    if (document.hidden) return;
    for (const time of all('time[data-elapsed]')) write(time, clock((now() - Date.parse(time.dateTime)) / 1000));
    for (const time of all('time[data-ago]')) write(time, age((now() - Date.parse(time.dateTime)) / 1000));
    for (const element of all('[data-est]')) write(element, estimate(element));
  };
  if (!('frozen' in root.dataset)) { tick(); setInterval(tick, 1000); document.addEventListener('visibilitychange', tick); }
  document.addEventListener('live:applied', tick);

  // --- charts: the pointer and the arrow keys read values, a polite region speaks them
  const tip = document.createElement('div'), said = document.createElement('div');
  tip.className = 'tip'; tip.hidden = true; said.className = 'vh'; said.setAttribute('aria-live', 'polite');
  document.body.append(tip, said);
  let read = null;
  const parts = (hit) => hit.dataset.v.split('\n').filter(Boolean).map((line) => line.split('\t'));
  const fillTip = (hit) => {
    const title = document.createElement('b');
    title.textContent = hit.dataset.t;
    tip.replaceChildren(title, ...parts(hit).map(([series, label, value]) => {
      const line = document.createElement('div'), key = document.createElement('i'), figure = document.createElement('span');
      if (series) key.className = series;
      figure.textContent = value;
      line.append(key, label, figure);
      return line;
    }));
  };
  const show = (hit, x, y) => {
    if (read !== hit) { read?.classList.remove('on'); read = hit; hit?.classList.add('on'); if (hit) fillTip(hit); }
    tip.hidden = !hit;
    if (!hit) return;
    const box = tip.getBoundingClientRect();
    tip.style.left = `${Math.max(8, Math.min(innerWidth - box.width - 8, x + 14))}px`;
    tip.style.top = `${Math.max(8, y - box.height - 12)}px`;
  };
  document.addEventListener('pointermove', (event) => {
    const hit = event.target.closest?.('[data-v]') || null;
    if (hit || read) show(hit, event.clientX, event.clientY);
  });
  document.addEventListener('focusout', (event) => { if (event.target.closest?.('.c-plot')) show(null); });
  const moves = { ArrowRight: 1, ArrowLeft: -1, PageDown: 7, PageUp: -7, Home: -Infinity, End: Infinity };
  document.addEventListener('keydown', (event) => {
    const plot = document.activeElement?.closest?.('.c-plot'), step = moves[event.key];
    if (!plot || !step) return;
    event.preventDefault();
    const hits = all('[data-v]', plot), here = hits.indexOf(read);
    const hit = hits[Math.max(0, Math.min(hits.length - 1, here < 0 && Number.isFinite(step) ? 0 : here + step))];
    if (!hit) return;
    const box = hit.getBoundingClientRect();
    show(hit, box.x + box.width / 2, box.y + 30);
    said.textContent = `${hit.dataset.t}: ${parts(hit).map(([, label, value]) => `${label} ${value}`).join(', ')}`;
  });

  // --- tables: select all; j k move, x selects, Enter opens; off by choice (WCAG 2.1.4)
  const boxes = (card) => all('tbody .check', card);
  const countSelected = (card) => {
    const list = boxes(card), chosen = list.filter((box) => box.checked).length, head = card.querySelector('[data-select-all]');
    for (const element of all('[data-selected]', card)) write(element, String(chosen));
    if (head) { head.checked = chosen > 0 && chosen === list.length; head.indeterminate = chosen > 0 && chosen < list.length; }
  };
  document.addEventListener('change', (event) => {
    const card = event.target.closest?.('.tbl-card');
    if (!card || !event.target.matches('.check')) return;
    if (event.target.matches('[data-select-all]')) for (const box of boxes(card)) box.checked = event.target.checked;
    countSelected(card);
  });
  document.addEventListener('live:applied', () => { for (const card of all('.tbl-card')) countSelected(card); });
  for (const card of all('.tbl-card')) countSelected(card);

  const typing = (target) => target.closest?.('input, select, textarea, [contenteditable], dialog, .c-plot') && !target.matches?.('.check');
  const moveRow = (rows, current, step) => {
    const next = rows[Math.max(0, Math.min(rows.length - 1, rows.indexOf(current) + step))];
    current?.classList.remove('cur');
    next.classList.add('cur');
    next.scrollIntoView({ block: 'nearest' });
  };
  document.addEventListener('keydown', (event) => {
    if (root.dataset.keys === 'off' || event.metaKey || event.ctrlKey || event.altKey || typing(event.target)) return;
    if (event.key === '/') {
      const search = document.querySelector('input[type="search"]');
      if (search) { event.preventDefault(); search.focus(); }
      return;
    }
    const rows = all('.tbl[data-keys] tbody tr'), current = rows.find((row) => row.classList.contains('cur'));
    if (!rows.length) return;
    if (event.key === 'j') moveRow(rows, current, 1);
    else if (event.key === 'k') moveRow(rows, current, current ? -1 : 1);
    else if (event.key === 'x') current?.querySelector('.check')?.click();
    else if (event.key === 'Enter' && current && (document.activeElement === document.body || document.activeElement.matches('.tbl .check'))) {
      event.preventDefault(); // from a check box it would send the form, which stops what is selected
      current.querySelector('a.id, a')?.click();
    }
  });

  revealCopy(document);
  document.addEventListener('htmx:load', (event) => revealCopy(event.detail.elt));
  for (const button of all('[data-close-note]')) button.hidden = false;
  window.chargehand = { now, tick };
})();
