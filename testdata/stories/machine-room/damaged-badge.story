# 第6条第1項: 破損届のある職員証 / 6-1: a badge reported damaged
door machine-room
at 2026-11-24T09:00:00+09:00

> badge entry 10032
< show entry refused
< event access_denied badge=b-010 reason=DAMAGED
! show entry finger within 3s
! lock released within 3s
