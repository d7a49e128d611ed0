# 第6条第1項: 錠の電源が切れても、外からは閉まったまま、内からは開く / 6-1: without its own supply the lock stays secured outside and opens inside
door machine-room
at 2026-11-24T09:00:00+09:00

> power cut lock
! lock released within 2s
> badge entry 10023
< show entry finger
> finger entry s-001
< event access_granted person=s-001
< event access_not_taken person=s-001 within 8s
! lock released within 5s
> handle
> door open
< event exit_unidentified
> door close
> power restore lock
! event access_granted within 2s
