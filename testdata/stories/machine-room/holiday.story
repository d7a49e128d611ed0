# 第6条第3項第1号: 休日(勤労感謝の日)は、許可された者だけが入れる / 6-3-1: on a public holiday only a permit that says so opens
door machine-room
at 2026-11-23T10:00:00+09:00

> badge entry 10028
< show entry finger
> finger entry s-006
< show entry refused-time
< event access_denied person=s-006 reason=OUT_OF_TIME_RANGE
! lock released within 3s

> badge entry 10023
< show entry finger
> finger entry s-001
< event access_granted person=s-001
< lock released
