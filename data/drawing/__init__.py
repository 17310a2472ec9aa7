"""The program that draws the sprite set: palette, canvas, parts, and one or two modules of drawing functions per class."""
