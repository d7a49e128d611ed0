# 第6条第1項: 記録の前に止まれば、何も開かず、何もなかったことになる / 6-1: the power fails before the record: nothing opens, and nothing was granted
door machine-room
at 2026-11-24T09:00:00+09:00

> daemon kill-before record
> badge entry 10023
< show entry finger
> finger entry s-001
! lock released within 3s
> daemon start
< event daemon_started within 10s
! event access_granted within 5s
! lock released within 5s
