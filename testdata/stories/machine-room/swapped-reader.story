# 第6条第1項: すり替えられた読取装置は、使わない / 6-1: a swapped reader is rejected
door machine-room
at 2026-11-24T09:00:00+09:00

> reader entry swap
< event reader_rejected device=badge-entry severity=A within 15s
> badge entry 10023
! event access_granted within 3s
! lock released within 3s
> handle
> door open
< event exit_unidentified
