# 第6条第1項: 判断の記録の直後、解錠の直前に止まる。起動しても解錠せず、未通行として残る / 6-1: the power fails between the record and the lock: nothing opens afterwards, and the grant stands as not taken
door machine-room
at 2026-11-24T09:00:00+09:00

> daemon kill-before release
> badge entry 10023
< show entry finger
> finger entry s-001
! lock released within 3s
> daemon start
< event access_granted person=s-001 within 10s
< event daemon_started within 10s
< event access_not_taken person=s-001 within 10s
! lock released within 5s
! event access_taken within 5s
