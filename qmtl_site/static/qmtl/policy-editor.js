// Line numbers and faults at their lines, for a textarea that works without any of this.
(() => {
  const byId = (id) => document.getElementById(id);
  const form = byId("policy-form"), source = byId("policy-source"), language = byId("id_language");
  const editor = byId("policy-editor"), gutter = byId("policy-gutter"), behind = byId("policy-behind");
  const notes = byId("policy-notes"), LINE = 20, PADDING = 10;
  const list = byId("policy-faults"), card = byId("policy-faults-card"), checked = byId("policy-checked");
  let faults = JSON.parse(byId("policy-faults-data").textContent);

  const element = (tag, name, text) => {
    const made = document.createElement(tag);
    if (name) made.className = name;
    if (text !== undefined) made.textContent = text;
    return made;
  };
  const hint = (fault) => (fault.nearest.length ? ` Did you mean ${fault.nearest.join(", ")}?` : "");

  function draw() {
    const atLine = new Map();
    for (const fault of faults) atLine.set(fault.line, [...(atLine.get(fault.line) || []), fault]);
    const numbers = document.createDocumentFragment(), lines = document.createDocumentFragment();
    source.value.split("\n").forEach((text, index) => {
      const found = atLine.get(index + 1);
      numbers.append(element("div", found ? "q-bad" : "", String(index + 1)));
      lines.append(element("div", found ? "q-bad" : "", text || "\u200b"));
    });
    gutter.replaceChildren(numbers);
    behind.replaceChildren(lines);
    note(atLine);
    follow();
  }

  // Beside the text, never over it: each message at its line, or below the one before where two would meet.
  function note(atLine) {
    const lines = [...atLine.keys()].sort((one, other) => one - other);
    const made = lines.map((line) => {
      const said = element("div", "q-note-of-line", atLine.get(line).map((each) => each.message + "." + hint(each)).join(" "));
      said.prepend(element("b", "", `${line} `));
      return said;
    });
    notes.replaceChildren(...made);
    editor.classList.toggle("q-noted", made.length > 0);
    let free = 0;
    made.forEach((said, index) => {
      const top = Math.max(free, PADDING + (lines[index] - 1) * LINE);
      said.style.top = `${top}px`;
      free = top + said.offsetHeight + 2;
    });
    // Room below the text, so that one can scroll to the last message.
    const text = source.value.split("\n").length * LINE + 2 * PADDING;
    editor.style.setProperty("--q-rest", `${Math.max(0, free - text)}px`);
  }

  function follow() {
    gutter.scrollTop = behind.scrollTop = source.scrollTop;
    editor.style.setProperty("--q-scrolled", `${source.scrollTop}px`);
    behind.scrollLeft = source.scrollLeft;
  }

  function tell() {
    card.hidden = faults.length === 0;
    list.replaceChildren(
      ...faults.map((fault) => {
        const item = element("li"), go = element("button", "", `line ${fault.line}:${fault.column}`);
        Object.assign(go, { type: "button" });
        Object.assign(go.dataset, { line: fault.line, column: fault.column });
        const says = element("span");
        if (fault.path) says.append(element("code", "", fault.path), " ");
        says.append(fault.message + ".", element("span", "q-soft", hint(fault)));
        item.append(go, says);
        return item;
      }),
    );
  }

  // What the server says of the text as it stands; an answer that was overtaken is not shown.
  let waiting, asked = 0;
  async function check() {
    const mine = ++asked;
    const answer = await answered();
    if (mine !== asked) return;
    if (!answer.faults) return say(answer.says, "q-warn");
    faults = answer.faults;
    if (faults.length) say(`${faults.length} to mend`, "q-bad");
    else say(answer.says, "q-good");
    tell();
    draw();
  }
  async function answered() {
    const because = (why) => ({ says: `It could not be checked: ${why}. Saving checks it as well.` });
    try {
      const answer = await fetch(form.dataset.check, { method: "POST", body: new FormData(form) });
      if (answer.redirected) return because("you are logged out");
      return answer.ok ? await answer.json() : because(`the server answers ${answer.status}`);
    } catch {
      return because("the server does not answer");
    }
  }
  function say(words, tone) {
    checked.textContent = words;
    checked.className = `q-checked ${tone}`;
  }
  function changed() {
    draw();
    say("", "");
    byId("impact")?.classList.add("q-outdated");
    clearTimeout(waiting);
    asked += 1;
    waiting = setTimeout(check, 500);
  }

  // A panel below the text that asked and got no answer says so.
  for (const failure of ["htmx:responseError", "htmx:sendError"]) {
    document.addEventListener(failure, ({ detail }) => {
      detail.target?.replaceChildren(element("p", "q-empty", "There is no answer: the server failed or is away."));
    });
  }

  list.addEventListener("click", (event) => {
    const { line, column } = event.target.dataset;
    if (!line) return;
    const before = source.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    const at = before + Number(column) - 1;
    source.focus();
    source.setSelectionRange(at, at);
    source.scrollTop = Math.max(0, (line - 6) * LINE);
  });
  source.addEventListener("keydown", (event) => {
    if (event.key !== "Tab" || event.shiftKey) return;
    event.preventDefault();
    document.execCommand("insertText", false, "  "); // keeps the browser's undo
  });
  source.addEventListener("input", changed);
  source.addEventListener("scroll", follow);
  window.addEventListener("resize", draw);
  language.addEventListener("change", changed);
  draw();
})();
