"""The walls around code that users write: what the kernel refuses it, and the pipe through which it is spoken to."""
