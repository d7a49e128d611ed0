# 第6条第1項: 台帳のデータベースだけを古いものに戻せば、扉が自分で気づき、入室させない / 6-1: an older database put under the ledger is noticed by the door itself, which lets nobody in
door machine-room
at 2026-11-24T09:00:00+09:00

> ledger copy
> badge entry 10023
< show entry finger
> finger entry s-001
< event access_granted person=s-001
< lock released
> door open
< event access_taken person=s-001
> door close
< lock secured
> daemon stop
> ledger restore-database
> daemon start
< show entry unavailable within 10s
> badge entry 10029
! show entry finger within 3s
! event access_granted within 3s
! lock released within 3s
> handle
> door open
> door close
