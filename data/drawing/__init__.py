"""The program that draws the sprite set: palette, canvas, and one module of drawing functions per class."""
