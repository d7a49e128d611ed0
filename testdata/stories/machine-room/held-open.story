# 第6条第1項: 扉が開いたままなら、予告してから警報を出す / 6-1: a door held open warns first, then alarms
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10023
< show entry finger
> finger entry s-001
< lock released
> door open
< event access_taken person=s-001
< show entry held within 7s
< event door_pre_alarm within 7s
< show entry alarm within 10s
< event door_open_too_long within 10s
> door close
< event door_restored
< show entry idle
< lock secured
! lock released within 3s
