# 第6条第3項第1号: 拾った職員証では、指が違って開かない / 6-3-1: a badge that was found does not open with a stranger's finger
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10023
< show entry finger
> finger entry stranger
< show entry again
< event access_denied person=s-001 reason=INCORRECT_FACTOR
! lock released within 1s
