# 第6条第3項第1号: 許可されたが扉を開けなかった。入室にはならず、錠は戻る / 6-3-1: granted but not opened: no entry, and the lock is back
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10023
< show entry finger
> finger entry s-001
< event access_granted person=s-001
< lock released
< lock secured within 6s
< event access_not_taken person=s-001 side=entry within 8s
! event access_taken within 8s
< state lock=secured inside=0 within 8s
