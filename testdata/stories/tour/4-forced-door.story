# 第6条第1項: こじ開けられた扉は、その場で知らせる / 6-1: a door that is forced says so at once
door machine-room
at 2026-11-24T09:00:00+09:00

> door force
< event door_forced severity=A
< show entry alarm
> door close
< event door_restored
< show entry idle
