# 第6条第1項: 筐体の開いた読取装置では開かない / 6-1: a reader whose case is open opens nothing
door machine-room
at 2026-11-24T09:00:00+09:00

> tamper entry on
< event tamper side=entry device=badge-entry severity=A
> badge entry 10023
< show entry unavailable
< event access_denied person=s-001 reason=AUTH_UNAVAILABLE
! lock released within 2s
> tamper entry off
< event tamper_restored device=badge-entry
> badge entry 10023
< show entry finger
> finger entry s-001
< event access_granted person=s-001
