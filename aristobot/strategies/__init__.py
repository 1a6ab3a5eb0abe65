"""Shipped examples, offered as templates in the editor: each is a whole strategy, short enough to be read and changed."""
