// Line numbers and faults at their lines, for a textarea that works without any of this.
(() => {
  const byId = (id) => document.getElementById(id);
  const form = byId("policy-form"), source = byId("policy-source"), language = byId("id_language");
  const gutter = byId("policy-gutter"), behind = byId("policy-behind");
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
      const line = element("div", found ? "q-bad" : "", text || "\u200b");
      if (found) line.append(element("span", "q-lens", found.map((each) => each.message + "." + hint(each)).join(" · ")));
      lines.append(line);
    });
    gutter.replaceChildren(numbers);
    behind.replaceChildren(lines);
    follow();
  }

  function follow() {
    gutter.scrollTop = behind.scrollTop = source.scrollTop;
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

  let waiting, asked = 0;
  async function check() {
    const mine = ++asked;
    const answer = await fetch(form.dataset.check, { method: "POST", body: new FormData(form) });
    if (mine !== asked || !answer.ok) return;
    faults = (await answer.json()).faults;
    checked.textContent = faults.length ? `${faults.length} to mend` : "It validates.";
    tell();
    draw();
  }
  function changed() {
    draw();
    checked.textContent = "";
    clearTimeout(waiting);
    waiting = setTimeout(check, 500);
  }

  list.addEventListener("click", (event) => {
    const { line, column } = event.target.dataset;
    if (!line) return;
    const before = source.value.split("\n").slice(0, line - 1).join("\n").length + (line > 1 ? 1 : 0);
    const at = before + Number(column) - 1;
    source.focus();
    source.setSelectionRange(at, at);
    source.scrollTop = Math.max(0, (line - 6) * 20);
  });
  source.addEventListener("keydown", (event) => {
    if (event.key !== "Tab" || event.shiftKey) return;
    event.preventDefault();
    document.execCommand("insertText", false, "  "); // keeps the browser's undo
  });
  source.addEventListener("input", changed);
  source.addEventListener("scroll", follow);
  language.addEventListener("change", changed);
  draw();
})();
