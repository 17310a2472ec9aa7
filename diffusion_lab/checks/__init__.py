"""Checks for the exercises, also of the bonus notebooks: each names the mistake that it sees, has a hint, and knows a solution.

    checks.L1_1.check(add_noise)    right, not done yet, or what is wrong
    checks.L1_1.hint()              a nudge
    checks.L1_1.solution()          the code of one solution

A check never stops a notebook, unless the environment variable DIFFUSION_LAB_STRICT is 1: then all but a right answer raises.
"""

from . import b1, b2, b3, b4, l1, l2, l3, l4

EXERCISES = (*l1.EXERCISES, *l2.EXERCISES, *l3.EXERCISES, *l4.EXERCISES)
BONUS = (*b1.EXERCISES, *b2.EXERCISES, *b3.EXERCISES, *b4.EXERCISES)
L1_1, L1_2, L1_3, L1_4, L1_5 = l1.EXERCISES
L2_1, L2_2, L2_3, L2_4, L2_5 = l2.EXERCISES
L3_1, L3_2, L3_3, L3_4, L3_5 = l3.EXERCISES
L4_1, L4_2, L4_3, L4_4, L4_5 = l4.EXERCISES
B1_1, B1_2, B1_3, B1_4, B1_5 = b1.EXERCISES
B2_1, B2_2, B2_3, B2_4, B2_5 = b2.EXERCISES
B3_1, B3_2, B3_3, B3_4, B3_5 = b3.EXERCISES
B4_1, B4_2, B4_3, B4_4, B4_5 = b4.EXERCISES
