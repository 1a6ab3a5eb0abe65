// Ctrl-S and Cmd-S, caught before the browser offers to save its page.
export default {
  template: `<span hidden></span>`,
  mounted() { window.addEventListener("keydown", this.pressed, true); },
  unmounted() { window.removeEventListener("keydown", this.pressed, true); },
  methods: {
    pressed(event) {
      if (event.key.toLowerCase() !== "s" || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey) return;
      event.preventDefault();
      if (!event.repeat && !document.querySelector(".q-dialog")) this.$emit("save");
    },
  },
};
