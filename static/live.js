// Live pages: asks for what changed since a version, and changes only that. The contract stands in docs/design.md, "Live pages".
'use strict';
(() => {
  const TIMEOUT_MS = 10_000, SLOWEST_MS = 30_000;
  const OWN = new Set(['open', 'class']); // what the person or app.js did to an element stays, see keepState

  // --- morph: make a live element look like a fresh one, touching only what differs
  const ownedByClock = (element) => element.matches('time[data-elapsed], time[data-ago], [data-est]');
  const keepState = (live, fresh) => {
    if (live.classList.contains('cur')) fresh.classList.add('cur');
    if (live.matches('details[open]')) fresh.setAttribute('open', '');
    if (live.matches('[hidden]') !== fresh.matches('[hidden]') && live.matches('[data-copy], [data-close-note]')) fresh.hidden = live.hidden;
  };
  const alike = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName && (a.id || '') === (b.id || '');
  const morph = (live, fresh) => {
    if (live.nodeType !== Node.ELEMENT_NODE) { if (live.data !== fresh.data) live.data = fresh.data; return; }
    if (live.hasAttribute('data-keep')) return;
    keepState(live, fresh);
    for (const { name, value } of fresh.attributes) if (live.getAttribute(name) !== value) live.setAttribute(name, value);
    for (const { name } of [...live.attributes]) if (!fresh.hasAttribute(name) && !(OWN.has(name) && name === 'open')) live.removeAttribute(name);
    if (live === document.activeElement && live.matches('input, textarea, select')) return; // somebody is typing here
    if (!ownedByClock(live)) morphChildren(live, fresh);
  };
  const morphChildren = (live, fresh) => {
    const named = new Map([...live.children].filter((child) => child.id).map((child) => [child.id, child]));
    let cursor = live.firstChild;
    for (const wanted of [...fresh.childNodes]) {
      const match = wanted.id ? named.get(wanted.id) : (cursor && alike(cursor, wanted) ? cursor : null);
      if (!match) { live.insertBefore(wanted, cursor); window.htmx?.process?.(wanted); continue; }
      if (match === cursor) cursor = cursor.nextSibling; else moveBefore(live, match, cursor);
      morph(match, wanted);
    }
    while (cursor) { const next = cursor.nextSibling; cursor.remove(); cursor = next; }
  };
  // moveBefore keeps focus, scroll and frames where the browser knows it
  const moveBefore = (parent, node, before) => {
    if (parent.moveBefore) { try { parent.moveBefore(node, before); return; } catch { /* not movable: insert it */ } }
    parent.insertBefore(node, before);
  };

  // --- rows: changed ones stay where they are; only a new one is placed, and only a gone one is taken away
  const place = (body, row) => {
    const { before, after } = row.dataset;
    const beside = (id) => { const found = id && document.getElementById(id); return found?.parentNode === body ? found : null; };
    if (beside(before)) body.insertBefore(row, beside(before));
    else if (beside(after)) beside(after).after(row);
    else if (after === '') body.prepend(row);
    else body.append(row);
  };
  // what lies above the eye must not push it: measure something the person holds, and scroll by its shift afterwards
  const holdStill = (body, change) => {
    const held = document.activeElement?.closest?.('tr') || body.querySelector('tr:hover')
      || [...body.children].find((row) => row.getBoundingClientRect().top >= 0);
    const before = held?.getBoundingClientRect().top;
    change();
    if (!held?.isConnected || before < 0) return;
    const shift = held.getBoundingClientRect().top - before;
    if (shift && scrollY > 0) scrollBy({ top: shift, behavior: 'instant' });
  };
  const leaving = new Map(); // rows to take away once nobody holds them
  const isHeld = (row) => row.contains(document.activeElement) || row.matches(':hover') || row.querySelector('details[open]');
  const takeAway = (row) => { leaving.delete(row.id); row.remove(); };
  const sweep = () => { for (const row of leaving.values()) if (!isHeld(row)) takeAway(row); };

  const applyRow = (body, fresh) => {
    const live = document.getElementById(fresh.id);
    if ('gone' in fresh.dataset) {
      if (live?.parentNode !== body) return;
      if (!isHeld(live)) return takeAway(live);
      live.classList.add('gone');
      live.querySelectorAll('.check').forEach((box) => { box.checked = false; box.disabled = true; });
      leaving.set(live.id, live);
    } else if (live?.parentNode === body) {
      leaving.delete(live.id);
      morph(live, fresh);
      flash(live);
    } else if (!live) {
      place(body, fresh);
      window.htmx?.process?.(fresh);
      flash(fresh);
    }
  };
  const flash = (row) => {
    row.classList.remove('flash');
    requestAnimationFrame(() => row.classList.add('flash'));
    row.addEventListener('animationend', () => row.classList.remove('flash'), { once: true });
  };
  const apply = (body, html) => {
    const template = document.createElement('template');
    template.innerHTML = html;
    holdStill(body, () => {
      for (const fresh of [...template.content.children]) {
        if (!fresh.id) continue;
        if ('oob' in fresh.dataset) {
          const live = document.getElementById(fresh.id);
          delete fresh.dataset.oob;
          if (live) morph(live, fresh);
        } else applyRow(body, fresh);
      }
    });
    document.dispatchEvent(new CustomEvent('live:applied'));
  };

  // --- one poller per element with data-live
  const start = (body, view) => {
    const every = Number(body.dataset.every || 2) * 1000;
    let failures = 0, timer = 0, busy = false;
    const url = () => {
      const asked = new URL(body.dataset.live, location.href), here = new URLSearchParams(location.search);
      for (const [name, value] of here) if (!asked.searchParams.has(name)) asked.searchParams.append(name, value);
      return asked.href;
    };
    const ask = async () => {
      const answer = await fetch(url(), {
        headers: { 'X-Since': body.dataset.version || '0', 'HX-Request': 'true' }, credentials: 'same-origin', redirect: 'manual', cache: 'no-store',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const elsewhere = answer.headers.get('HX-Redirect');
      if (answer.status === 401 && elsewhere) { location.assign(elsewhere); return false; }
      if (answer.status !== 200 && answer.status !== 204) throw new Error(`status ${answer.status}`);
      const version = answer.headers.get('X-Version'), html = answer.status === 200 ? await answer.text() : '';
      if (view.paused()) return true; // paused while the answer was on its way: ask again later, from the same version
      if (html) apply(body, html);
      if (version !== null) body.dataset.version = version;
      return true;
    };
    const poll = async () => {
      clearTimeout(timer);
      if (busy || document.hidden || view.paused()) return;
      busy = true;
      try { if (await ask()) { failures = 0; view.fresh(); } } catch { failures += 1; view.late(); } finally { busy = false; }
      sweep();
      timer = setTimeout(poll, Math.min(SLOWEST_MS, every * 2 ** failures));
    };
    document.addEventListener('visibilitychange', poll);
    document.addEventListener('live:resume', poll);
    addEventListener('online', poll);
    timer = setTimeout(poll, every);
  };

  // --- what the page says about itself
  const makeView = () => {
    const mark = document.querySelector('[data-live-state]'), word = mark?.querySelector('[data-live-word]');
    const ageText = document.querySelector('[data-live-age]'), button = document.querySelector('[data-live-pause]');
    const said = document.querySelector('[data-live-said]');
    let state = '', isPaused = false, heard = performance.now();
    const set = (wanted) => {
      if (!mark || state === wanted) return;
      const first = state === '';
      state = mark.dataset.liveState = wanted;
      word.textContent = mark.dataset[`word${wanted[0].toUpperCase()}${wanted.slice(1)}`];
      if (said && !first) said.textContent = word.textContent; // spoken when it changes, not with every second
    };
    const showAge = () => {
      if (ageText && !document.hidden) ageText.textContent = ageText.dataset.wordAge.replace('%s', Math.floor((performance.now() - heard) / 1000));
    };
    if (button) {
      button.hidden = false;
      button.addEventListener('click', () => {
        isPaused = !isPaused;
        button.textContent = isPaused ? button.dataset.wordResume : button.dataset.wordPause;
        set(isPaused ? 'paused' : 'live');
        if (!isPaused) document.dispatchEvent(new CustomEvent('live:resume'));
      });
    }
    set('live');
    showAge();
    setInterval(showAge, 1000);
    return { paused: () => isPaused, fresh: () => { heard = performance.now(); set('live'); showAge(); }, late: () => set('delayed') };
  };

  // --- a choice in a filter applies at once; its button is for those without a script
  for (const button of document.querySelectorAll('[data-submits]')) button.hidden = true;
  for (const field of document.querySelectorAll('[data-submit]')) field.addEventListener('change', () => field.form.requestSubmit());

  const bodies = document.querySelectorAll('[data-live]');
  if (bodies.length) { const view = makeView(); for (const body of bodies) start(body, view); }
  window.live = { morph, apply };
})();
