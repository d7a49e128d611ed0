# 第6条第1項: 認証の途中の火災。錠は回路で開き、入室の許可は出ず、復旧は現地で行う / 6-1: fire during an attempt: the circuit opens the lock, nobody is granted entry, a person re-secures on the spot
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10023
< show entry finger
> fire on
< lock released
< event fire_input severity=A
< event emergency_release
> finger entry s-001
! event access_granted within 3s
! lock secured within 3s
> handle
> door open
< event exit_unidentified
> door close
! lock secured within 2s

> fire off
< event fire_cleared
< lock secured
> badge entry 10023
< event access_denied person=s-001 reason=DENY_ALL
! lock released within 2s

> order resecure
< event emergency_reset within 5s
> badge entry 10023
< show entry finger
> finger entry s-001
< event access_granted person=s-001
< lock released
