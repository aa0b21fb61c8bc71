"""The control plane: ministack, with what `prod` needs of AWS and ministack has not (docs/decisions/0611)."""
