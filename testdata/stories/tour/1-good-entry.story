# 第6条第3項第1号: 職員証と指で入り、また出る。錠より先に台帳が書かれる / 6-3-1: in and out again by badge and finger; the ledger is written before the lock moves
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10023
< show entry finger
> finger entry s-001
< event access_granted person=s-001 side=entry
< lock released
< show entry granted
> door open
< event access_taken person=s-001 side=entry
> door close
< lock secured
> badge exit 10023
< show exit finger
> finger exit s-001
< event access_granted person=s-001 side=exit
< lock released
> door open
< event access_taken person=s-001 side=exit
> door close
< lock secured
< show exit idle
