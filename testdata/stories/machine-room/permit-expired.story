# 第6条第3項第1号: 許可の期間が終わった職員は入れない / 6-3-1: an expired permit does not open
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10025
< show entry finger
> finger entry s-003
< show entry refused-permit
< event access_denied person=s-003 reason=EXPIRED article=6-3-1
! event access_granted within 3s
! lock released within 3s
