# 第6条第1項: 扉が開いている間の読取りでは、何も解錠しない / 6-1: a read while the door is open releases nothing
door machine-room
at 2026-11-24T09:00:00+09:00

> handle
> door open
< event exit_unidentified
> badge entry 10023
< show entry door-open
< event access_denied person=s-001 detail="the leaf is open"
! event access_granted within 3s
! show entry finger within 3s
> door close
< state leaf=closed lock=secured
! event access_granted within 2s
