# SPDX-License-Identifier: MIT
# The judge is ended at every stage of its look.
concerns=all
reason=interrupted
end() { kill -TERM $judge 2>/dev/null; }
look() { cut_short end; }
