# 第6条第1項: 記録できなければ入室させない。取っ手は開き、空けば起きたことを言う / 6-1: what cannot be recorded opens nothing; the handle opens; once freed, the door says what happened
door machine-room
at 2026-11-24T09:00:00+09:00

> disk full
> badge entry 10023
< show entry finger
> finger entry s-001
< show entry unavailable within 5s
! lock released within 5s
! event access_granted within 5s
> handle
> door open
> door close

> disk free
< event log_disk_full severity=A within 10s
< event access_denied person=s-001 reason=OUT_OF_SERVICE within 10s
< event exit_unidentified within 10s
< event log_restored within 10s
> badge entry 10023
< show entry finger
> finger entry s-001
< event access_granted person=s-001
< show entry granted
