// What the code editor can do beyond NiceGUI's: our colours, wavy lines with their reasons, completion of our own names.
// Stands beside the editor's element and extends its CodeMirror once that is there.
import * as CM from "nicegui-codemirror";

const NEON = {
  keyword: "#ff79c6", operatorKeyword: "#ff79c6", self: "#ff9d5c", "definition(name)": "#e6eeff", propertyName: "#9fdcff",
  "function(variableName)": "#00d4ff", className: "#00ff88", typeName: "#00ff88", string: "#f5d67b", "special(string)": "#f5d67b",
  number: "#c6a0ff", bool: "#c6a0ff", atom: "#c6a0ff", comment: "#7385a8", meta: "#ffb020", operator: "#93a4c4", invalid: "#ff5c8d",
};
const LOOKS = CM.EditorView.theme({
  "&": { color: "#e6eeff", backgroundColor: "#060a12", fontSize: "13.5px" },
  ".cm-content": { caretColor: "#00d4ff", fontFamily: "ui-monospace, SFMono-Regular, Menlo, Consolas, monospace", padding: "8px 0" },
  ".cm-cursor, .cm-dropCursor": { borderLeftColor: "#00d4ff", borderLeftWidth: "2px" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "#00d4ff33" },
  ".cm-gutters": { backgroundColor: "#060a12", color: "#7385a8", border: "none" },
  ".cm-activeLine": { backgroundColor: "#00d4ff0a" },
  ".cm-activeLineGutter": { backgroundColor: "#00d4ff14", color: "#e6eeff" },
  ".cm-matchingBracket": { backgroundColor: "#00ff8830", outline: "1px solid #00ff8880" },
  ".cm-selectionMatch": { backgroundColor: "#00ff881f" },
  ".cm-foldPlaceholder": { backgroundColor: "#131c2e", border: "1px solid #2c3b58", color: "#93a4c4" },
  ".cm-panels": { backgroundColor: "#0d1422", color: "#e6eeff" },
  ".cm-textfield": { backgroundColor: "#0a1120", border: "1px solid #2c3b58", borderRadius: "6px" },
  ".cm-button": { backgroundImage: "none", backgroundColor: "#131c2e", border: "1px solid #2c3b58", borderRadius: "6px", color: "#e6eeff" },
  ".cm-tooltip": { backgroundColor: "#111a2c", border: "1px solid #2c3b58", borderRadius: "8px", color: "#e6eeff", overflow: "hidden" },
  ".cm-tooltip-autocomplete ul li": { padding: "3px 8px" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "#00d4ff2e", color: "#e6eeff" },
  ".cm-completionDetail": { color: "#93a4c4", fontStyle: "normal", fontSize: "12px" },
  ".cm-completionInfo": { padding: "8px 10px", maxWidth: "380px", whiteSpace: "pre-wrap", fontSize: "12.5px" },
  ".cm-reason": { padding: "6px 10px", maxWidth: "460px", fontSize: "12.5px", lineHeight: "1.45", borderLeft: "3px solid var(--tone)" },
  ".cm-wavy": { textDecoration: "underline wavy 1.5px var(--tone)", textUnderlineOffset: "3px", textDecorationSkipInk: "none" },
  ".cm-spots": { width: "14px" },
  ".cm-spot": { color: "var(--tone)", cursor: "pointer", paddingLeft: "2px" },
  ".cm-error": { "--tone": "#ff0055" }, ".cm-warning": { "--tone": "#ffb020" }, ".cm-hint": { "--tone": "#00d4ff" },
}, { dark: true });

function colours() {
  const known = [...CM.oneDarkHighlightStyle.specs, ...CM.defaultHighlightStyle.specs].flatMap(spec => spec.tag);
  const named = name => known.find(tag => String(tag) === name);
  const specs = Object.entries(NEON).map(([name, color]) => ({ tag: named(name), color })).filter(spec => spec.tag);
  return CM.syntaxHighlighting(CM.HighlightStyle.define(specs));
}

// Findings: a set of marks that move with the text until the next ones come.
const setFindings = CM.StateEffect.define();
const findings = CM.StateField.define({
  create: () => CM.Decoration.none,
  update(marks, change) {
    marks = marks.map(change.changes);
    for (const effect of change.effects) if (effect.is(setFindings)) marks = effect.value;
    return marks;
  },
  provide: field => CM.EditorView.decorations.from(field),
});

function offset(doc, line, column) {
  if (line > doc.lines) return doc.length;
  const at = doc.line(Math.max(1, line)), text = at.text; // columns count characters, CodeMirror counts UTF-16 units
  return at.from + (/[\ud800-\udbff]/.test(text) ? [...text].slice(0, column).join("").length : Math.min(column, text.length));
}

function marked(doc, list) {
  const ranges = list.map(one => {
    let from = offset(doc, one.line, one.column), to = offset(doc, one.end_line, one.end_column);
    if (to <= from) { // a whole line, or a place where something is missing: what stands there is underlined
      const line = doc.lineAt(from), indent = line.text.length - line.text.trimStart().length;
      from = Math.min(from, Math.max(line.from + indent, line.to - 1));
      to = Math.max(line.to, from);
    }
    return to > from ? CM.Decoration.mark({ class: `cm-wavy cm-${one.severity}`, finding: one }).range(from, to) : null;
  });
  return CM.Decoration.set(ranges.filter(range => range), true);
}

function at(state, from, to) {
  const found = [];
  state.field(findings).between(from, to, (start, end, mark) => { found.push({ start, end, ...mark.spec.finding }); });
  return found;
}

function said(list) {
  const dom = document.createElement("div");
  for (const one of list) {
    const line = document.createElement("div");
    line.className = `cm-reason cm-${one.severity}`;
    line.textContent = one.message;
    dom.append(line);
  }
  return dom;
}

const reasons = CM.hoverTooltip((view, pos) => {
  const here = at(view.state, pos, pos);
  if (!here.length) return null;
  return { pos: Math.min(...here.map(one => one.start)), end: Math.max(...here.map(one => one.end)), above: true, create: () => ({ dom: said(here) }) };
}, { hoverTime: 200 });

class Spot extends CM.GutterMarker {
  constructor(severity, title) { super(); this.severity = severity; this.title = title; }
  eq(other) { return other.severity === this.severity && other.title === this.title; }
  toDOM() {
    const dom = document.createElement("span");
    dom.className = `cm-spot cm-${this.severity}`;
    dom.textContent = { error: "●", warning: "▲", hint: "■" }[this.severity];
    dom.title = this.title;
    return dom;
  }
}

const spots = CM.gutter({
  class: "cm-spots",
  lineMarker(view, block) {
    const here = at(view.state, block.from, block.to).filter(one => one.start >= block.from || one.end <= block.to);
    const worst = ["error", "warning", "hint"].find(severity => here.some(one => one.severity === severity));
    return worst ? new Spot(worst, here.map(one => one.message).join("\n")) : null;
  },
  lineMarkerChange: update => update.startState.field(findings) !== update.state.field(findings),
});

function stepTo(view, forward) { // F8: the next finding, round and round
  const places = [];
  view.state.field(findings).between(0, view.state.doc.length, from => { places.push(from); });
  if (!places.length) return false;
  const here = view.state.selection.main.head;
  const next = forward ? places.find(place => place > here) ?? places[0] : places.findLast(place => place < here) ?? places.at(-1);
  view.dispatch({ selection: { anchor: next }, scrollIntoView: true });
  return true;
}

// Completion: what follows a dot, hooks after `def`, bare names of ours, parameters by their names.
function written(one) {
  if (one.after !== "def") return one.name;
  return (view, _completion, from, to) => {
    const taken = one.signature.replace(/ ->.*$/, "");
    const indent = view.state.doc.lineAt(from).text.match(/^\s*/)[0] + "    ";
    const insert = `${one.name}${taken}:\n${indent}`;
    view.dispatch({ changes: { from, to, insert }, selection: { anchor: from + insert.length }, userEvent: "input.complete" });
  };
}

function source(catalogue) {
  const options = catalogue.map(([after, name, type, signature, about]) => ({
    after, label: name, type, detail: signature, info: about || undefined, apply: written({ after, name, signature }),
  }));
  const own = text => [...new Set([...text.matchAll(/\bself\.([A-Za-z]\w*)\s*=/g), ...text.matchAll(/def ([a-z]\w*)\(self/g)].map(m => m[1]))];
  const parameters = text => [...new Set([...text.matchAll(/["']name["']\s*:\s*["'](\w+)["']/g)].map(m => m[1]))];
  return context => {
    const hp = context.matchBefore(/self\.hp\[["']\w*/);
    if (hp) {
      const from = hp.from + hp.text.search(/["']/) + 1;
      return { from, options: parameters(context.state.doc.toString()).map(label => ({ label, type: "variable" })), validFor: /^\w*$/ };
    }
    const dotted = context.matchBefore(/\b(ta|utils|self)\.\w*/);
    if (dotted) {
      const [after] = dotted.text.split(".");
      const listed = options.filter(one => one.after === after);
      const names = new Set(listed.map(one => one.label));
      const more = after === "self" ? own(context.state.doc.toString()).filter(name => !names.has(name)) : [];
      return { from: dotted.from + after.length + 1, options: [...listed, ...more.map(label => ({ label, type: "variable", boost: 1 }))], validFor: /^\w*$/ };
    }
    const hook = context.matchBefore(/\bdef \w*/);
    if (hook) { // in our own order, before what Python would suggest for a name that is just being made up
      const begun = hook.text.slice(4), hooks = options.filter(one => one.after === "def" && one.label.includes(begun));
      hooks.sort((a, b) => b.label.startsWith(begun) - a.label.startsWith(begun));
      return hooks.length ? { from: hook.from + 4, options: hooks, filter: false } : null;
    }
    const word = context.matchBefore(/(?<![.\w])\w+/);
    if (!word && !context.explicit) return null;
    return { from: word ? word.from : context.pos, options: options.filter(one => one.after === ""), validFor: /^\w*$/ };
  };
}

export default {
  template: `<span hidden></span>`,
  props: { editor: Number, catalogue: Array, phrases: Object, label: String },
  data() { return { waiting: [] }; },
  async mounted() {
    let element = null;
    for (let i = 0; i < 400 && !element?.editorPromise; i++) { // on a fresh page nothing can be looked up before all is mounted
      await new Promise(done => setTimeout(done, 10));
      element = getElement(this.editor);
    }
    if (!element) return;
    await element.editorPromise;
    const view = (this.view = element.editor), keep = () => this.keep();
    const ours = [{ autocomplete: source(this.catalogue) }]; // one and the same each time it is asked for, or its answers are dropped
    view.dispatch({ effects: [
      element.themeConfig.reconfigure([LOOKS, colours()]),
      CM.StateEffect.appendConfig.of([
        findings, reasons, spots,
        // What the house puts in is one step to be undone, whatever was typed a moment before or after.
        CM.EditorState.transactionExtender.of(one => one.docChanged && !element.emitting ? { annotations: CM.isolateHistory.of("full") } : null),
        CM.Prec.highest(CM.EditorView.domEventHandlers({
          beforeinput: event => {
            const barred = this.barred(event.inputType === "historyUndo", event.inputType === "historyRedo");
            if (barred) event.preventDefault();
            return barred;
          },
        })),
        CM.EditorState.phrases.of(this.phrases),
        CM.EditorView.contentAttributes.of({ "aria-label": this.label, spellcheck: "false", tabindex: "0" }),
        CM.EditorState.languageData.of(() => ours),
        CM.Prec.highest(CM.keymap.of([
          { key: "Mod-z", run: () => this.barred(true, false) },
          { key: "Mod-y", run: () => this.barred(false, true) }, { key: "Mod-Shift-z", run: () => this.barred(false, true) },
          { key: "F8", run: one => stepTo(one, true) }, { key: "Shift-F8", run: one => stepTo(one, false) },
        ])),
        CM.EditorView.updateListener.of(update => this.sink(update)),
        CM.EditorView.updateListener.of(update => { // what the user did; what the house put in, the house has
          if (update.transactions.some(one => one.docChanged && one.annotation(CM.Transaction.userEvent))) keep();
        }),
      ]),
    ] });
    window.addEventListener("pagehide", this.keepNow);
    this.waiting.forEach(call => call());
  },
  beforeUnmount() { this.keepNow(); window.removeEventListener("pagehide", this.keepNow); },
  methods: {
    whenThere(call) { this.view ? call() : this.waiting.push(call); },
    // Findings belong to one text: those of a text that was changed meanwhile are passed over, newer ones are on their way.
    mark(list, length) {
      this.whenThere(() => {
        const doc = this.view.state.doc;
        if (doc.length === length) this.view.dispatch({ effects: setFindings.of(marked(doc, list)) });
      });
    },
    jump(line, column) {
      this.whenThere(() => {
        const place = offset(this.view.state.doc, line, column);
        this.view.dispatch({ selection: { anchor: place }, effects: CM.EditorView.scrollIntoView(place, { y: "center" }) });
        this.view.focus();
      });
    },
    // Nothing of one strategy may be undone into another: what was done before a text was shown stays out of reach.
    barred(undo, redo) {
      const state = this.view.state, floor = this.floor ?? [0, 0];
      return (undo && CM.undoDepth(state) <= floor[0]) || (redo && CM.redoDepth(state) <= floor[1]);
    },
    sink(update) { // the oldest steps are forgotten in time, and a change forgets what could be done again
      if (!this.floor) return;
      const before = CM.undoDepth(update.startState), after = CM.undoDepth(update.state);
      const went = update.transactions.some(one => one.isUserEvent("undo"));
      if (after < before && !went) this.floor[0] = Math.max(0, this.floor[0] - (before - after + 1));
      this.floor[1] = Math.min(this.floor[1], CM.redoDepth(update.state));
    },
    // A copy in the browser bridges what no server heard: a cut line, a house that stops.
    begin(place, text) {
      this.whenThere(() => {
        this.place = place;
        this.floor = [CM.undoDepth(this.view.state), CM.redoDepth(this.view.state)];
        const copy = this.copy();
        if (copy && copy.text !== text && copy.text !== this.view.state.doc.toString()) this.$emit("found", { text: copy.text });
        else this.forget();
      });
    },
    keep() {
      clearTimeout(this.keeping);
      if (!this.place) return;
      this.keeping = setTimeout(this.keepNow, 150);
    },
    keepNow() { // at the latest when the page goes
      if (!this.keeping) return;
      clearTimeout(this.keeping);
      this.keeping = null;
      try { localStorage.setItem(this.place, JSON.stringify({ text: this.view.state.doc.toString() })); } catch (_) { /* full, or none */ }
    },
    settled(length) {
      if (this.view && this.view.state.doc.length !== length) return;
      clearTimeout(this.keeping);
      this.keeping = null;
      this.forget();
    },
    forget() { try { if (this.place) localStorage.removeItem(this.place); } catch (_) { /* none */ } },
    copy() { try { return JSON.parse(localStorage.getItem(this.place)); } catch (_) { return null; } },
  },
};
