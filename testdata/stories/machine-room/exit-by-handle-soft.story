# 第6条第3項第1号: 取っ手で出た職員の次の入室。通すが、前回の退室記録がないことを残す / 6-3-1: after leaving by the handle the next entry is granted, and flagged
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10023
< show entry finger
> finger entry s-001
< lock released
> door open
< event access_taken person=s-001 side=entry
> door close
< lock secured

# 取っ手はいつでも開く / the handle always opens
> handle
> door open
< event exit_unidentified side=exit device=handle_switch person=
! event door_forced within 1s
> door close
< state leaf=closed lock=secured

> badge entry 10023
< show entry finger
> finger entry s-001
< event passback_detected person=s-001
< event access_granted person=s-001 side=entry remarks.reason=PASSBACK
< show entry granted
