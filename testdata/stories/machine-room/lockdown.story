# 第6条第1項: 閉鎖中は入れない。出ることは妨げない / 6-1: a lockdown refuses entry and never egress
door machine-room
at 2026-11-24T09:00:00+09:00

> order lockdown
< event order_accepted within 5s
< event lockdown severity=A within 5s
> badge entry 10023
< event access_denied person=s-001 reason=LOCKDOWN
! lock released within 2s
> badge exit 10029
< show exit finger
> finger exit s-007
< event access_granted person=s-007 side=exit
< lock released
> door open
< event access_taken person=s-007 side=exit
> door close
> order release
< event lockdown_released within 5s
> badge entry 10023
< show entry finger
> finger entry s-001
< event access_granted person=s-001
