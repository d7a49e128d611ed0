# 第6条第1項: 紛失届のある職員証では、指も求められない / 6-1: a badge reported lost is refused before any finger
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10030
< show entry refused
< event access_denied badge=b-008 reason=LOST
! show entry finger within 3s
! lock released within 3s
