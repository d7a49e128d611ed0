# 第6条第1項: デーモンが死んでも、内側の取っ手と退室ボタンは開く / 6-1: with the daemon dead, the handle and the exit button still open
door machine-room
at 2026-11-24T09:00:00+09:00

> daemon kill
< state online=false within 10s
> badge entry 10023
! lock released within 2s
> handle
> door open
> door close
> exit-button
< lock released
> door open
> door close
> daemon start
< event daemon_started within 10s
< state online=true lock=secured within 10s
! lock released within 3s
