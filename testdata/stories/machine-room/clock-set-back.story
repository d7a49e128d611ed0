# 第6条第3項第1号: 時計を戻しても、終わった許可は生き返らない / 6-3-1: setting the clock back revives no expired permit
door machine-room
at 2026-11-24T09:00:00+09:00

> clock -720h
< event time_step within 10s
> badge entry 10025
< event access_denied person=s-003 within 8s
! event access_granted within 8s
! lock released within 8s
