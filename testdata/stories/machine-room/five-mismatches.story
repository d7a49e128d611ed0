# 第6条第1項: 五度目の不一致で職員証を一時閉塞する。再起動しても解けず、退室側には及ばない / 6-1: the fifth mismatch blocks the badge for a while, across a restart, and never on the way out
door machine-room
at 2026-11-24T09:00:00+09:00

> repeat 5 every 1.5s badge entry 10023 then finger entry stranger
< event access_denied person=s-001 reason=INCORRECT_FACTOR times 5 within 5s
< event lockout_start badge=b-001 within 5s
! lock released within 1s

> badge entry 10023
< event access_denied person=s-001 reason=LOCKOUT
! show entry finger within 2s

> daemon kill
> daemon start
> badge entry 10023
< event access_denied person=s-001 reason=LOCKOUT within 8s
! lock released within 2s

> badge exit 10023
< show exit finger
> finger exit s-001
< event access_granted person=s-001 side=exit
< lock released
< event lockout_end badge=b-001 within 30s
