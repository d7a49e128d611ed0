# 第6条第3項第1号: 指が三度読めなければ認証は終わるが、閉塞はしない / 6-3-1: three unreadable captures end the attempt and block nobody
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10023
< show entry finger
> repeat 3 every 1s finger entry smudged
< show entry again within 5s
< event access_denied person=s-001 reason=FACTOR_ERROR within 5s
! event lockout_start within 3s
! lock released within 3s

> badge entry 10023
< show entry finger
> finger entry s-001
< event access_granted person=s-001
< lock released
