# 第6条第1項: 扉の接点の線が切れれば、閉まっているとはみなさない / 6-1: a cut door contact never reads as closed
door machine-room
at 2026-11-24T09:00:00+09:00

> input door_contact open
< event door_forced
< event door_fault device=door_contact within 6s
> badge entry 10023
< show entry door-open
! event access_granted within 2s
! lock released within 2s
> input door_contact normal
< event door_fault_cleared
< event door_restored
