# 第6条第3項第1号: 入室の許可と同時に内側の取っ手。どちらが通ったか言い切らない / 6-3-1: granted outside while somebody turns the handle inside: the door does not claim to know
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10023
< show entry finger
> finger entry s-001
< event access_granted person=s-001
> handle
> door open
< event opening_ambiguous person=s-001 severity=B
! event access_taken within 2s
> door close
