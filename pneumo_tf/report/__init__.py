"""From run folders to boards, tables and pictures."""
