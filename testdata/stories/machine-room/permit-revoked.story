# 第6条第3項第1号: 取り消された許可では入れない / 6-3-1: a revoked permit does not open
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10027
< show entry finger
> finger entry s-005
< show entry refused-permit
< event access_denied person=s-005 reason=PERMIT_REVOKED article=6-3-1
! event access_granted within 3s
! lock released within 3s
