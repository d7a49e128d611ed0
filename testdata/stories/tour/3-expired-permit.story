# 第6条第3項第1号: 本人でも、事前許可が切れていれば入れない / 6-3-1: not even the holder enters on a permit that has ended
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10025
< show entry finger
> finger entry s-003
< show entry refused-permit
< event access_denied person=s-003 reason=EXPIRED
! lock released within 1s
