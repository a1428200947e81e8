package backup

// sysSyncfs is the number of syncfs(2), which the syscall package lacks.
const sysSyncfs = 306
