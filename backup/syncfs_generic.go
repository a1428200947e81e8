//go:build arm64 || riscv64 || loong64

package backup

// sysSyncfs is the number of syncfs(2), which the syscall package lacks.
const sysSyncfs = 267
