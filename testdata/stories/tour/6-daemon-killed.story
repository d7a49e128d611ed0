# 第6条第1項: デーモンが落ちても、内側の取っ手で必ず出られる / 6-1: with the daemon killed, the inside handle still opens
door machine-room
at 2026-11-24T09:00:00+09:00

> daemon kill
! event daemon_started within 500ms
> handle
< lock released
> door open
> door close
< lock secured within 4s
> daemon start
< event daemon_started within 5s
< show entry idle within 5s
! lock released within 500ms
