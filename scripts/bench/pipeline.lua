-- Sixteen requests in each write.
init = function()
    local request = wrk.format(nil, "/protected")
    batch = string.rep(request, 16)
end

request = function()
    return batch
end
