# 第6条第3項第1号: 許可された時間帯は17時ちょうどに終わる / 6-3-1: the permitted hours end at five sharp
door machine-room
at 2026-11-24T17:00:00+09:00

> badge entry 10028
< show entry finger
> finger entry s-006
< show entry refused-time
< event access_denied person=s-006 reason=OUT_OF_TIME_RANGE article=6-3-1
! event access_granted within 3s
! lock released within 3s
