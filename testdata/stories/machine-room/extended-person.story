# 第6条第3項第1号: 長い時間が要る職員には、解錠も扉の開きも長く待つ / 6-3-1: an extended person is given the longer timings
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10042
< show entry finger
> wait 6s
! event access_denied within 500ms
> finger entry s-020
< event access_granted person=s-020
< lock released
! lock secured within 4s
> door open
< event access_taken person=s-020
! event door_pre_alarm within 9s
> door close
< lock secured
