# 第6条第3項第1号: 許可の期間がまだ始まっていない / 6-3-1: the permit has not begun yet
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10026
< show entry finger
> finger entry s-004
< show entry refused-permit
< event access_denied person=s-004 reason=NOT_YET_ACTIVE article=6-3-1
! event access_granted within 3s
! lock released within 3s
