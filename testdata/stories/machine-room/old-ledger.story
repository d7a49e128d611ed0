# 第6条第1項: 台帳を丸ごと古いものに戻しても、外の記録より短いことが知れる / 6-1: a whole ledger put back to an older copy is found shorter than what the collector has
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
> ledger restore
> daemon start
< event ledger_rolled_back severity=A within 20s
! lock released within 5s
> handle
> door open
> door close
